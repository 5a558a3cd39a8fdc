# The console's image for AWS: the one of deploy/containers/console.Containerfile as CONSOLE, with RDS's
# certificate authorities (AWS's global-bundle.pem) beside this file as rds-ca.pem. In the repository's root:
#
#     docker build -f cloud/terraform/image/console.Dockerfile --build-arg CONSOLE=lotkeeper-console:1 .
ARG CONSOLE
FROM ${CONSOLE}
COPY cloud/terraform/image/rds-ca.pem /opt/rds-ca.pem
