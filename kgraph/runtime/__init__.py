"""From a Plan to results: the kernel language and its compiler, native routines, the object cache, threads, execution."""
