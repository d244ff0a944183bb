"""Access control and TLS of the brokers that broker.py starts.

Accounts are written in the words of plain_acl.yml; brokers 5.x take them over into ACL 2.0 at start.
"""
import json
import subprocess
from pathlib import Path

ADMIN = {"accessKey": "rocketmq-admin", "secretKey": "admin-secret-12345", "admin": True}


def takes_acl2(version):
    return tuple(map(int, version.split(".")[:2])) >= (5, 3)


def acl_yaml(accounts):
    lines = ["accounts:"]
    for account in accounts:
        text = json.dumps  # a JSON string is a YAML string
        lines += [f"  - accessKey: {text(account['accessKey'])}",
                  f"    secretKey: {text(account['secretKey'])}",
                  f"    admin: {'true' if account.get('admin') else 'false'}"]
        for name in ("defaultTopicPerm", "defaultGroupPerm"):
            if name in account:
                lines.append(f"    {name}: {text(account[name])}")
        for name in ("topicPerms", "groupPerms"):
            if name in account:
                lines += [f"    {name}:", *(f"      - {text(each)}" for each in account[name])]
    return "\n".join(lines) + "\n"


def acl_settings(version, accounts, store):
    """Lines of broker.conf. The first account is the administrator."""
    if not takes_acl2(version):
        return {"aclEnable": "true"}
    admin = accounts[0]
    provider = "org.apache.rocketmq.auth.{0}.provider.{1}{2}Provider"
    return {
        "authenticationEnabled": "true", "authorizationEnabled": "true", "migrateAuthFromV1Enabled": "true",
        "authConfigPath": store / "auth",
        "authenticationProvider": provider.format("authentication", "Default", "Authentication"),
        "authenticationMetadataProvider": provider.format("authentication", "Local", "AuthenticationMetadata"),
        "authorizationProvider": provider.format("authorization", "Default", "Authorization"),
        "authorizationMetadataProvider": provider.format("authorization", "Local", "AuthorizationMetadata"),
        "initAuthenticationUser": json.dumps({"username": admin["accessKey"], "password": admin["secretKey"]}),
        "innerClientAuthenticationCredentials": json.dumps(
            {"accessKey": admin["accessKey"], "secretKey": admin["secretKey"]}),
    }


def credentials_text(account):
    return f"accessKey={account['accessKey']}\nsecretKey={account['secretKey']}\n"


class Authority:
    """A private certificate authority in one directory: ca.pem, and NAME.pem with NAME.key."""

    def __init__(self, directory, name="Slipstream test authority"):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.ca = self.dir / "ca.pem"
        if not self.ca.exists():
            self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
                          "-subj", f"/CN={name}", "-keyout", self.dir / "ca.key", "-out", self.ca)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", days=30, password=None):
        """Returns (certificate, key). days=-1: expired yesterday.

        Each file is there whole at once: servers that run look twice a second and read both anew when both have
        changed; a half-written one would be read, and the whole one then not (FileWatchService, 5.5.0).
        """
        key, certificate = self.dir / f"{name}.key", self.dir / f"{name}.pem"
        new_key, new_certificate = self.dir / f"{name}.key.new", self.dir / f"{name}.pem.new"
        request, extensions = self.dir / f"{name}.csr", self.dir / f"{name}.ext"
        secret = ["-aes256", "-pass", f"pass:{password}"] if password else []
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", *secret, "-out", new_key)
        unlock = ["-passin", f"pass:{password}"] if password else []
        self._openssl("req", "-new", "-key", new_key, *unlock, "-subj", f"/CN={name}", "-out", request)
        extensions.write_text(f"subjectAltName={names}\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.dir / "ca.key",
                      "-CAcreateserial", "-sha256", "-days", str(days), "-extfile", extensions,
                      "-out", new_certificate)
        new_key.replace(key)
        new_certificate.replace(certificate)
        return certificate, key

    @staticmethod
    def _openssl(*words):
        run = subprocess.run(["openssl", *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                             capture_output=True)
        if run.returncode != 0:
            raise RuntimeError(f"openssl {words[0]} failed:\n{run.stderr[-2000:]}")


def jvm_flags(authority, certificate, key, client_certificate_needed):
    """Both servers take TLS connections only; the broker speaks TLS to the name server."""
    return [
        "-Dtls.server.mode=enforcing", "-Dtls.test.mode.enable=false", "-Dtls.config.file=/nonexistent",
        f"-Dtls.server.certPath={certificate}", f"-Dtls.server.keyPath={key}",
        f"-Dtls.server.trustCertPath={authority.ca}",
        f"-Dtls.server.need.client.auth={'require' if client_certificate_needed else 'none'}",
        f"-Dtls.server.authClient={'true' if client_certificate_needed else 'false'}",
        "-Dtls.enable=true", "-Dtls.client.authServer=true", f"-Dtls.client.trustCertPath={authority.ca}",
        f"-Dtls.client.certPath={certificate}", f"-Dtls.client.keyPath={key}",
    ]
