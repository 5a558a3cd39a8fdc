"""A lot without hardware: the worlds that drivers see, days invented or recorded, and faults."""
