"""A world for detectors to be tested in: a bay's truth, and what sensors make of it.

`Bay(scenario, seed, until_s)` knows the truth (`visits`, `faults`) and gives `readings`. What a
`Scenario` names is on, everything else is off; each interference draws from a seed of its own, so
that switching one off leaves the others as they were. Truth comes from `random.Random`; noise from
numpy, which is no part of what an agent or the demo needs.

Figures and where they come from (P: published; D: datasheet; A: assumed, no source found):

| what | figure | source |
|---|---|---|
| stays | 18 % stand under 1 min, 15 s at least | P Melbourne's sensors, 2019, 18 % up to 1 min |
| heights | 1.15 sports car ... 2.2 m van | A, common vehicles |
| moves | 7 m in 4-9 s, 15 % correct once | A |
| ultrasonic | sigma 4 mm, 1 mm steps | D A02YYUW (steps), A (sigma) |
| laser | sigma 12 mm, 1 cm steps | D TFmini-S (steps; its 6 cm are learnt away), A (sigma) |
| laser in full sun | 20 % lost | D TFmini-S stands 70 klux, the sun gives 100; A share |
| radar | sigma 25 mm, 1 cm steps | A, a coherent 60 GHz radar; an LD2410C is coarser |
| speed of sound | 331.3 + 0.606 T m/s, read as at 20 C | P, as in HC-SR04 libraries |
| snow | up to 200 mm, 60 mm an hour | A; Fleximodo states 95 % under snow (P) |
| rain, crosstalk, glass, floors, people, carts | see `simulator.world.distance` | A |
| earth | 480 mG | P, 250-650 mG over the earth |
| vehicle | peak 64-1000 mG, median 340, 40 mG at rest at least | P 70-330 LSB, 1090 LSB/G; rest A |
| critical points | 10 % stop where an axis or the norm is smallest | P Daubaras 2012; A share |
| next bay | its dipoles 2.5 m aside, see `simulator.world.moments` | P model; A pitch, offsets |
| a tight bay | 10-35 % of its own signal, turned; a row of its own | A |
| lane | 5-40 mG for 2-4 s | A |
| drift | -16...+28 counts a degree, each axis | P nine commercial sensors, half a year |
| sun and shade | up to 10 C an hour | A |
| magnetic noise | sigma 1.4-1.7 LSB | P a vacant HMC5883L |
| mains | 1-5 mG at 50 Hz, aliased | A |

Left out: motorcycles, trailers, a cart left standing, two sensors whose pings stay in step (one
agent pings in turn), steel under the bay that is moved, magnetised vehicles that change, lightning,
ageing. A person who stands under an overhead ranger for 30 s cannot be told from a vehicle by
ranging alone: `loiterers` is a row of its own and no part of "all".
"""

from simulator.world.bay import Bay
from simulator.world.scenario import FAMILIES, Scenario

__all__ = ["FAMILIES", "Bay", "Scenario"]
