"""Native routines that kernels call: register tiles, packing, products, convolutions, Winograd."""
