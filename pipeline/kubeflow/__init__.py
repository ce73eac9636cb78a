"""Kubeflow Pipelines and Vertex AI: settings, spec, lint, the image's entrypoint, submission."""
