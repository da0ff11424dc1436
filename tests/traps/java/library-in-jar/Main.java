import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

public class Main {
    static native int uuidLength();

    public static void main(String[] args) throws Exception {
        // As netty, snappy and sqlite-jdbc do.
        Path file = Files.createTempFile("native", ".so");
        try (InputStream in = Main.class.getResourceAsStream("/native/linux-x86_64/libnative.so")) {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        System.load(file.toString());
        System.out.println(uuidLength());
    }
}
