"""A lot's past in one SQLite file: what its agents said, and what can be read quickly of a year.

    cloud records -> records -> book -> events       each once, by (agent, epoch, seq)
                                     -> quarters     of a zone: spot-seconds and moves
                                     -> spot_days    of a spot: seconds
                                     -> dwells       of a zone and day: how long the stays lasted

The sums follow the events, however late those come:
docs/decisions/0010-a-lots-past-by-the-quarter.md.
"""
