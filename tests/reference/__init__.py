"""Slow and obvious NumPy twins of the C++ core. They are the law: the core is tested against them."""
