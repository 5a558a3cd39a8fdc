"""Reports: a range of a lot's past as one table, and the same table as CSV, XLSX and PDF.

lots, range -> zones | devices | efficiency | hourly -> Table -> JSON | CSV | XLSX | PDF
"""
