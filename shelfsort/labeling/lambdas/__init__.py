"""Two AWS Lambda functions for Ground Truth jobs. They need Python's standard library and boto3."""
