"""Kernel sources: one fused op in, the text of one kernel out. Their language: codegen.intrinsics."""
