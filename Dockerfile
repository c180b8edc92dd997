# The example provider, installed from a wheel. `.ci/dockerfile-steps` replays these steps
# without Docker.

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY protos protos
COPY filters filters
COPY facade facade
RUN pip wheel --quiet --no-cache-dir --wheel-dir /wheels '.[uvloop]'
RUN python -m venv /opt/facade
RUN /opt/facade/bin/python -m pip install --quiet --no-cache-dir --no-index --find-links /wheels 'facade-rpc[uvloop]'

FROM python:3.12-slim
COPY --from=build /opt/facade /opt/facade
WORKDIR /app
COPY examples/__init__.py examples/
COPY examples/greeter examples/greeter
ENV PATH=/opt/facade/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number needs no entry in /etc/passwd, and Kubernetes can see that it is not root's.
USER 10001
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=10s --start-period=5s \
    CMD ["python", "-c", "import facade; facade.Client('127.0.0.1:50051').ready(timeout=5)"]
# In the exec form the provider is process 1 and gets SIGTERM itself: it stops in peace.
CMD ["python", "-m", "examples.greeter.provider", "0.0.0.0:50051"]
