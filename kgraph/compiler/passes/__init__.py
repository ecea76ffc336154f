"""Passes: Program -> Program. What a program means (interp.py) is the same before and after each of them."""
