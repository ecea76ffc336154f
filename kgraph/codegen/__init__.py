"""Sources in the kernel language -> machine code: Numba's front end, LLVM, vector mathematics, the object cache."""
