"""Documents that cross a boundary. Everything here is frozen; times are aware UTC; no floats."""
