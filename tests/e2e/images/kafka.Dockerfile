# A stand-in for apache/kafka that was copied from a read-only folder: its settings become writable
# again, as they are in the official image.
FROM apache/kafka:4.3.1
USER root
RUN chmod -R u+w /etc/kafka
USER appuser
