"""`python -m proof.simulation`: play worlds from seeds, one or many.

python -m proof.simulation --seed 17 --trace      # one, with all that happened in it
python -m proof.simulation --seeds 10000          # many; those that fail are named
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from proof.mutations import MUTATIONS, mutated
from proof.world import Result, run

CHUNK = 25
PROGRESS = 500


def play(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """The results of many seeds, in their order."""
    if jobs == 1:
        yield from map(run, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run, seeds, CHUNK)


def main(arguments: list[str]) -> int:
    """Exit status 1 where a promise was broken."""
    options = _parser().parse_args(arguments)
    if options.seed is not None:
        with mutated(options.mutation):
            result = run(options.seed, tracing=options.trace)
        print(*result.trace, sep="\n", end="\n" if result.trace else "")
        return _report(result)
    return _play_many(options)


def _play_many(options: argparse.Namespace) -> int:
    seeds = range(options.first, options.first + options.seeds)
    began_s, failed, totals = time.perf_counter(), 0, Counter[str]()
    with mutated(options.mutation):
        for done, result in enumerate(play(seeds, 1 if options.mutation else options.jobs), 1):
            totals.update({name: int(count) for name, count in result.counts.items()})
            if result.findings:
                failed += 1
                _report(result)
                if options.stop:
                    break
            if done % PROGRESS == 0:
                print(f"{done} of {len(seeds)} seeds", file=sys.stderr, flush=True)
    took_s = time.perf_counter() - began_s
    print(f"{len(seeds)} seeds, {failed} failed, {took_s:.1f} s", dict(totals))
    return 1 if failed else 0


def _report(result: Result) -> int:
    for finding in result.findings:
        print(f"seed {result.seed}: {finding}", flush=True)
    if not result.findings:
        print(f"seed {result.seed}: every promise kept", result.counts)
    return 1 if result.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proof.simulation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, help="play this one")
    parser.add_argument("--trace", action="store_true", help="with all that happened in it")
    parser.add_argument("--seeds", type=int, default=300, help="play so many")
    parser.add_argument("--first", type=int, default=0, help="beginning with this one")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes")
    parser.add_argument("--stop", action="store_true", help="at the first that fails")
    parser.add_argument("--mutation", choices=MUTATIONS, help="with this promise broken")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
