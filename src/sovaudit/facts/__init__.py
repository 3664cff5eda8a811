"""Evidence → typed views of what the systems do. Pure: no I/O, no clock, no environment."""
