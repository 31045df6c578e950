"""The only room that writes to the disk: the folder of a run, its journal, and files that appear when they are whole."""
