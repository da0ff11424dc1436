import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneId;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class Main {
    public static void main(String[] args) throws Exception {
        SSLContext.getDefault().createSSLEngine();
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        System.out.println(((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers().length > 100);
        System.out.println(new SecureRandom().generateSeed(8).length);
        System.out.println(Instant.EPOCH.atZone(ZoneId.of("Asia/Tokyo")));
        System.out.println(InetAddress.getByName("localhost").isLoopbackAddress());
        try {
            HttpsURLConnection connection = (HttpsURLConnection) URI.create("https://127.0.0.1:9/").toURL().openConnection();
            connection.connect();
        } catch (java.io.IOException error) {
            System.out.println(error.getMessage());
        }
        try {
            HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/")).build(), BodyHandlers.discarding());
        } catch (java.net.ConnectException error) {
            System.out.println("refused");
        }
    }
}
