import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.KeyStoreBuilderParameters;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/* Visit CONFIGURATION CA URL: the page, with the card as the client's key; the PIN is asked for on the terminal. */
public class Visit {
	public static void main(String[] arguments) throws Exception {
		Provider card = Security.getProvider("SunPKCS11").configure(arguments[0]);
		char[] pin = System.console().readPassword("PIN: ");
		KeyStore keys = KeyStore.getInstance("PKCS11", card);
		KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
		KeyManagerFactory key = KeyManagerFactory.getInstance("NewSunX509");
		TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
		SSLContext context = SSLContext.getInstance("TLS");

		Security.addProvider(card);
		keys.load(null, pin);
		key.init(new KeyStoreBuilderParameters(
			KeyStore.Builder.newInstance(keys, new KeyStore.PasswordProtection(pin))));
		trusted.load(null, null);
		try (InputStream in = Files.newInputStream(Path.of(arguments[1]))) {
			trusted.setCertificateEntry("server",
				CertificateFactory.getInstance("X.509").generateCertificate(in));
		}
		trust.init(trusted);
		context.init(key.getKeyManagers(), trust.getTrustManagers(), null);
		HttpsURLConnection page = (HttpsURLConnection) URI.create(arguments[2]).toURL().openConnection();
		page.setSSLSocketFactory(context.getSocketFactory());
		try (InputStream in = page.getInputStream()) {
			System.out.write(in.readAllBytes());
		}
		System.out.flush();
	}
}
