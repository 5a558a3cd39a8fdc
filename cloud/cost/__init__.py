"""What a month of AWS costs by design: reckoned from a load and list prices, nothing asked of AWS.

`prices` has each price with its unit and page, `designs` the reckoning. docs/cloud-cost.md has the
table and what was decided by it.
"""
