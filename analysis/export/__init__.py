"""A study's histories -> files of the tools in which people look at histories: TensorBoard, MLflow."""
