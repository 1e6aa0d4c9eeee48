"""Bytes in and out, bounded in time and size: urllib3 for blocking calls, aiohttp for awaited ones."""
