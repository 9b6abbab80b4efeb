# mdmsim in a container, with its data in the volume /data; /public is for its clients, and holds
# the CA's certificate only:
#
#   docker build -t mdmsim .
#   docker run -p 443:443 -p 2197:2197 -p 8081:8081 -v mdmsim:/data -v mdmsim-public:/public mdmsim
#
# With a package index or a certificate authority of your own, hand pip its settings as secrets;
# they are seen by the build and stay out of the image (in pip.conf: cert = /run/secrets/ca):
#
#   docker build --secret id=pip,src=pip.conf --secret id=ca,src=ca.pem -t mdmsim .

# Anything with a python3 of 3.11 or newer and its venv module.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src

# The environment that is shipped gets no pip: the one next to it fills it from outside.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/mdmsim
ENV PIP_CONFIG_FILE=/run/secrets/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# Dependencies come first: their layer holds for as long as pyproject.toml does.
COPY pyproject.toml ./
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    python3 -c 'import tomllib; \
project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
print(*project["dependencies"], *project["optional-dependencies"]["postgres"], sep="\n")' \
    > dependencies.txt \
    && /opt/pip/bin/pip --python /opt/mdmsim/bin/python3 install -r dependencies.txt

COPY README.md ./
COPY simulator simulator
COPY fixtures fixtures
RUN --mount=type=secret,id=pip --mount=type=secret,id=ca \
    /opt/pip/bin/pip --python /opt/mdmsim/bin/python3 install --no-deps .


FROM ${BASE}
LABEL org.opencontainers.image.title="mdmsim" \
      org.opencontainers.image.description="Simulator of Apple's servers for MDM, with an exact record of what an MDM discloses"

# The base is the same, so the interpreter that the environment points at is there.
COPY --from=build /opt/mdmsim /opt/mdmsim
RUN install -d -o 10001 -g 10001 -m 0700 /data && install -d -o 10001 -g 10001 -m 0755 /public

# Every address: inside a container, published ports do not arrive on loopback. Nothing is written
# outside the volumes, temporary files included, so that the root file system may be read-only.
ENV PATH=/opt/mdmsim/bin:$PATH \
    TMPDIR=/data \
    MDMSIM_DATA=/data \
    MDMSIM_PUBLIC_DIR=/public \
    MDMSIM_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/public"]

# HTTPS (443, and 2197 as APNs has it), plain HTTP, control API, proxy.
EXPOSE 443 2197 8080 8081 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["mdmsim", "readyz"]
ENTRYPOINT ["mdmsim"]
# Docker lets every user bind these two; elsewhere this may take
# --sysctl net.ipv4.ip_unprivileged_port_start=0, or other ports.
CMD ["serve", "--tls-port", "443", "--tls-port", "2197"]
