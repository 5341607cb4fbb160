/*
 * Bouncy Castle and attribute certificates, for tests/check/authz.test:
 *
 *     read CERTIFICATE AUTHORIZER HOLDER   prints what it reads in ours
 *     make HOLDER AUTHORIZER KEY OUT       makes one of its own (PEM in, DER out)
 */
import java.io.FileReader;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Date;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.Attribute;
import org.bouncycastle.cert.AttributeCertificateHolder;
import org.bouncycastle.cert.AttributeCertificateIssuer;
import org.bouncycastle.cert.X509AttributeCertificateHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2AttributeCertificateBuilder;
import org.bouncycastle.cert.bc.BcX509ExtensionUtils;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;

class Readers {
	static Object pem(String path) throws Exception {
		try (PEMParser parser = new PEMParser(new FileReader(path))) {
			return parser.readObject();
		}
	}

	static void read(String[] a) throws Exception {
		byte[] der = Files.readAllBytes(Path.of(a[1]));
		X509AttributeCertificateHolder c = new X509AttributeCertificateHolder(der);
		X509CertificateHolder authorizer = (X509CertificateHolder) pem(a[2]);
		X509CertificateHolder holder = (X509CertificateHolder) pem(a[3]);
		boolean good = c.isSignatureValid(new JcaContentVerifierProviderBuilder()
			.setProvider(new BouncyCastleProvider()).build(authorizer));

		System.out.println("version " + c.getVersion());
		System.out.println("serial " + c.getSerialNumber());
		System.out.println("signature " + good);
		System.out.println("holder " + c.getHolder().match(holder));
		System.out.println("issuer " + c.getIssuer().match(authorizer));
		System.out.println("from " + c.getNotBefore().getTime() / 1000);
		System.out.println("to " + c.getNotAfter().getTime() / 1000);
		for (Attribute attribute : c.getAttributes())
			System.out.println("attribute " + attribute.getAttrType());
		System.out.println("same " + java.util.Arrays.equals(der, c.toASN1Structure().getEncoded("DER")));
	}

	static void make(String[] a) throws Exception {
		X509CertificateHolder holder = (X509CertificateHolder) pem(a[1]);
		X509CertificateHolder authorizer = (X509CertificateHolder) pem(a[2]);
		PrivateKeyInfo key = (PrivateKeyInfo) pem(a[3]);
		X509v2AttributeCertificateBuilder builder = new X509v2AttributeCertificateBuilder(
			new AttributeCertificateHolder(holder.getIssuer(), holder.getSerialNumber()),
			new AttributeCertificateIssuer(authorizer.getSubject()), BigInteger.valueOf(4711),
			new Date(1780000000000L), new Date(1780086400000L));

		builder.addAttribute(new ASN1ObjectIdentifier("1.2.3.4"), new DERUTF8String("x"));
		Files.write(Path.of(a[4]), builder.build(new JcaContentSignerBuilder("SHA256withRSA")
			.build(new JcaPEMKeyConverter().getPrivateKey(key))).getEncoded());
	}

	public static void main(String[] a) throws Exception {
		if (a[0].equals("read"))
			read(a);
		else
			make(a);
	}
}
