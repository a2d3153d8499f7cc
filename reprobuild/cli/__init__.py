"""Options in, one step called, its result rendered; only here is anything printed."""
