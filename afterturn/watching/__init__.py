"""Data for operators: what waits, what is late, and what is broken.

`reports.py` lists all reports. `reading.py` reads a report, for synchronous code and for asyncio.
"""
