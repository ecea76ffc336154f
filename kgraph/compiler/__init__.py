"""The compiler: typed programs in, kernel sources and a buffer plan out. Nothing here imports Numba."""
