# syntax=docker/dockerfile:1
# The image of every pipeline step, and of `shelfsort serve`; and that of Beam's remote workers.
#
#   docker build -t shelfsort --build-arg GIT_COMMIT="$(git rev-parse HEAD)" .
#   docker build -t shelfsort-gpu --build-arg ACCELERATOR=gpu .
#   docker build -t shelfsort-worker --target worker .
#
# Name it by digest afterwards: `shelfsort compile --image NAME@sha256:...`. For a release, name what
# it is built from by digest, too (`make release-check` demands it):
#
#   docker build -t shelfsort --build-arg PYTHON_IMAGE=python@sha256:... \
#     --build-arg BEAM_IMAGE=apache/beam_python3.13_sdk@sha256:... .

ARG ACCELERATOR=cpu
ARG PYTHON_IMAGE=python:3.13-slim-trixie
# Beam's launcher of workers: of the version that the lock file pins.
ARG BEAM_IMAGE=apache/beam_python3.13_sdk:2.77.0

# hadolint ignore=DL3006
FROM ${BEAM_IMAGE} AS beam

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# Compilers stay behind in this stage: some of the locked packages come as sources only.
FROM python AS dependencies-cpu
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
COPY stacks/tfx-1.21/requirements.lock /build/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-deps --require-hashes -r /build/requirements.lock

FROM dependencies-cpu AS dependencies-gpu
COPY stacks/tfx-1.21/requirements-gpu.lock /build/
RUN /opt/venv/bin/python -m pip install --no-deps --require-hashes -r /build/requirements-gpu.lock

# hadolint ignore=DL3006
FROM dependencies-${ACCELERATOR} AS dependencies

# Our own code has a folder of its own, so that a change of it ships megabytes, not gigabytes.
FROM dependencies AS package
COPY . /build/
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation --target /opt/shelfsort \
    /build /build/distributions/serving /build/distributions/pipeline

FROM python AS runtime-cpu

# TensorFlow does not look for NVIDIA's libraries where their packages put them.
FROM runtime-cpu AS runtime-gpu
ARG NVIDIA=/opt/venv/lib/python3.13/site-packages/nvidia
ENV LD_LIBRARY_PATH=${NVIDIA}/cublas/lib:${NVIDIA}/cuda_cupti/lib:${NVIDIA}/cuda_nvrtc/lib:${NVIDIA}/cuda_runtime/lib:${NVIDIA}/cudnn/lib:${NVIDIA}/cufft/lib:${NVIDIA}/curand/lib:${NVIDIA}/cusolver/lib:${NVIDIA}/cusparse/lib:${NVIDIA}/nccl/lib:${NVIDIA}/nvjitlink/lib

# hadolint ignore=DL3006
FROM runtime-${ACCELERATOR} AS common
ARG GIT_COMMIT=""
ENV PATH=/opt/venv/bin:/opt/shelfsort/bin:$PATH \
    PYTHONPATH=/opt/shelfsort \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    SHELFSORT_GIT_COMMIT=${GIT_COMMIT}
# Kubeflow's launcher runs as this user too, and makes its local folders beneath the root.
RUN useradd --create-home --uid 10001 shelfsort \
    && install --directory --owner shelfsort /gcs /minio /s3 /models
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=package /opt/shelfsort /opt/shelfsort
USER 10001
WORKDIR /home/shelfsort

# Beam's workers on Flink, Spark and Dataflow: `docker build --target worker`. The runner starts
# Beam's own launcher, which is to take the Python of this image, not to make an environment anew.
FROM common AS worker
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
COPY --from=beam /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]

# Without a certificate or --plaintext the server does not start:
#
#   docker run ... shelfsort shelfsort serve --model-base-path /models --host 0.0.0.0 \
#     --tls-certificate /tls/server.pem --tls-key /tls/server.key
#
# Then set SHELFSORT_HEALTH_URL=https://127.0.0.1:8501.
FROM common AS runtime
EXPOSE 8500 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "serving.healthcheck", "/models"]
CMD ["shelfsort", "serve", "--model-base-path", "/models", "--host", "0.0.0.0"]
