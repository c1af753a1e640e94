"""The way to Kafka encrypted: what is in front of it has to show a certificate that we know."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.messaging.broker import KafkaBus
from shared.messaging.credentials import Credentials
from shared.messaging.principals import ADMIN
from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from shared.testing.ports import free_port
from tests.bus.house_with_principals import ADMIN_PASSWORD
from tests.bus.scene import Scene, until
from tests.required import unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.kafka]


async def test_records_go_over_tls(tmp_path: Path) -> None:
    """With KAFKA_CA_FILE all goes encrypted; a certificate of anybody else's is not taken."""
    certificate, key = certificate_for_this_machine(tmp_path, "ours")
    other, _ = certificate_for_this_machine(tmp_path, "other")
    port = free_port()
    server = KafkaServer(
        settings={"advertised.listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}"},
        admin_password=ADMIN_PASSWORD,
    )
    try:
        try:
            server.start()
        except NoKafka as error:
            unavailable(f"no Kafka: {error}")
        async with encrypting(port, server.port, certificate, key):
            bus = bus_over_tls(port, certificate)
            await bus.start()
            try:
                scene = Scene(bus, "kafka")
                topic = await scene.topic()
                await scene.append(topic, b"hidden on the way")
                broker, taken, _ = scene.reader(topic)
                await broker.start()
                await until(lambda: taken, 30)
                assert taken[0].value == b"hidden on the way"
            finally:
                await bus.stop()
            with pytest.raises(KafkaConnectionError):
                await bus_over_tls(port, other).start()
    finally:
        server.discard()


def bus_over_tls(port: int, ca_file: Path) -> KafkaBus:
    """Return the administrator's bus, who knows certificates that this file has signed."""
    return KafkaBus(
        f"127.0.0.1:{port}",
        credentials=Credentials(ADMIN, ADMIN_PASSWORD, ca_file),
        request_timeout_seconds=5,
    )


@asynccontextmanager
async def encrypting(port: int, behind: int, certificate: Path, key: Path) -> AsyncIterator[None]:
    """Take TLS on one port and speak plainly to what is behind it, as a terminating proxy does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(1 << 16):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(carry(reader, back), carry(onward, writer))

    proxy = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield
    finally:
        proxy.close()


def certificate_for_this_machine(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate that has signed itself, for 127.0.0.1; return its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret
