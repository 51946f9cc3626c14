"""Straight-line code as machine code, through LLVM.

A Code is evaluated with symbols, which write down instructions; these are spelled in LLVM's language, in functions of a
thousand each; and what LLVM makes of them is loaded, and kept for whoever has a Code of the same content.

Read in this order: symbols, formulas, functions, words, squares, order, text, compiler, host, cache, memory, loaded,
threads.
"""
