"""How each API says no, and how it lays out what it says."""
