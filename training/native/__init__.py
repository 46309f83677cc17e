"""The project's own network file: ONNX graphs lowered to the few operators that the C++ core runs."""
