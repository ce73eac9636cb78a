"""Fine-tuning of the picture backbone: on cached feature maps, or of all layers."""
