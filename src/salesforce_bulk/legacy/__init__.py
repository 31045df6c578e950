"""The interface of the old library, all three generations of it, over the engine of this one. Translates, never decides."""
