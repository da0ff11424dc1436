import java.io.InputStream;
import java.net.URI;
import java.util.Properties;

public class Greeter {
    public String greet() throws Exception {
        Properties properties = new Properties();
        try (InputStream in = URI.create(System.getProperty("greeting")).toURL().openStream()) {
            properties.load(in);
        }
        return properties.getProperty("hello");
    }
}
