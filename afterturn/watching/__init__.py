"""What waits, what is late, and what is broken.

`reports.py` lists all that can be asked, `reading.py` reads it, for synchronous code and for asyncio.
"""
