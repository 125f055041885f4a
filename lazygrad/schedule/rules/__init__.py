"""The rules of simplification, by what they are about; ``table`` holds them all."""
