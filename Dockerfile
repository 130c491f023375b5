# The page as a container: built with the network, run without one, by a user that owns nothing.
#
#     docker compose up --build        # http://127.0.0.1:7860, see compose.yaml
#     docker build -t generative-explorer . && docker run --rm -p 7860:7860 generative-explorer

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt /tmp/
# torch first, from its own index: the build for processors is a tenth of the one for GPUs. For a GPU:
# docker build --build-arg TORCH_INDEX=https://pypi.org/simple .
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN grep '^torch' /tmp/requirements.txt > /tmp/torch.txt \
 && /venv/bin/pip install --index-url "$TORCH_INDEX" -r /tmp/torch.txt \
 && /venv/bin/pip install -r /tmp/requirements.txt

FROM python:3.12-slim
# What is fetched, where that is allowed, lies among the data sets; numba keeps what it has compiled.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_TEMP_DIR=/tmp/uploads \
    HF_HUB_OFFLINE=1 \
    HF_HOME=/data/hub \
    NUMBA_CACHE_DIR=/tmp/numba \
    GENERATIVE_EXPLORER_DATA=/data \
    GENERATIVE_EXPLORER_CACHE=/data
RUN useradd --create-home --uid 1000 explorer && mkdir /data && chown explorer /data
COPY --from=build /venv /venv
WORKDIR /app
COPY app.py LICENSE README.md ./
COPY models models
COPY explorer explorer
COPY pretrained pretrained
USER explorer
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", "import os; \
from urllib.request import Request, urlopen; port = os.environ['GRADIO_SERVER_PORT']; \
urlopen(Request(f'http://127.0.0.1:{port}/', method='HEAD'), timeout=8)"]
ENTRYPOINT ["python", "app.py"]
