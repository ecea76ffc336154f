# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.inspect.files import describe_file as describe_file, format_description as format_description
from kgraph.inspect.graphs import to_dot as to_dot, to_json as to_json, to_networkx as to_networkx
from kgraph.inspect.page import Report as Report, report as report
from kgraph.inspect.pictures import Picture as Picture, model_to_dot as model_to_dot, plot_model as plot_model, to_svg as to_svg
from kgraph.inspect.profiling import Profile as Profile, profile as profile
from kgraph.inspect.programs import KernelInfo as KernelInfo, compiles as compiles, kernels as kernels, program as program

__all__ = [
    "KernelInfo",
    "Picture",
    "Profile",
    "Report",
    "compiles",
    "describe_file",
    "format_description",
    "kernels",
    "model_to_dot",
    "plot_model",
    "profile",
    "program",
    "report",
    "to_dot",
    "to_json",
    "to_networkx",
    "to_svg",
]
