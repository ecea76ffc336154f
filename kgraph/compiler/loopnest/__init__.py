"""Loop nests: the one language between a fused op and its machine code (nodes, text, parse, verify, interpret), and
what passes and lowering both ask of a body of ops (index, domain, elements)."""
