"""Data for operators: backlog, freshness, costs and failures.

`reports.py` lists all reports. `reading.py` reads a report, for synchronous code and for asyncio.
"""
