"""From a Plan to results: the kernel language and its compiler, native routines, object cache, threads, execution."""
