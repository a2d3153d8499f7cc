"""The outside world behind narrow doors: processes, downloads, the clock, settings, the store."""
