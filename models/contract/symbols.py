"""The symbols that texts are made of here, and how long a strip of them is."""

SYMBOLS = ("\n", *(chr(code) for code in range(32, 127)))  # a new line, and ASCII that prints
STRIP = 256  # symbols of a strip
