import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.Properties;

public class Application {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.load(Application.class.getResourceAsStream("/application.properties"));
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(properties.getProperty("server.port"))), 0);
        server.createContext("/", exchange -> {
            byte[] body = Words.hello().getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
