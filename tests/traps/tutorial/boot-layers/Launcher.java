import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;

public class Launcher {
    public static void main(String[] args) throws Exception {
        Path self = Path.of(Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path unpacked = Files.createTempDirectory("boot");
        List<URL> urls = new ArrayList<>();
        try (JarFile jar = new JarFile(self.toFile())) {
            for (var entry : (Iterable<java.util.jar.JarEntry>) jar.stream().filter(e -> !e.isDirectory() && e.getName().startsWith("BOOT-INF/"))::iterator) {
                Path file = unpacked.resolve(entry.getName());
                Files.createDirectories(file.getParent());
                try (InputStream in = jar.getInputStream(entry)) {
                    Files.copy(in, file);
                }
                if (entry.getName().endsWith(".jar")) urls.add(file.toUri().toURL());
            }
        }
        urls.add(unpacked.resolve("BOOT-INF/classes/").toUri().toURL());
        ClassLoader loader = new URLClassLoader(urls.toArray(new URL[0]));
        Thread.currentThread().setContextClassLoader(loader);
        loader.loadClass("Application").getMethod("main", String[].class).invoke(null, (Object) args);
    }
}
