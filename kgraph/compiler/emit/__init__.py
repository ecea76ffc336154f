"""Kernel sources: one fused op in, the text of one kernel out. Sources are written in the language of runtime.micro."""
