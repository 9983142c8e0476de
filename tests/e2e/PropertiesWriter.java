import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Properties;

/**
 * Sets a key of a properties file to one value after another, as Ant Media Server saves settings:
 * the file is truncated in place and written again by java.util.Properties.store.
 *
 * <p>Arguments: the file, the key, the values. A line is printed for each save.
 */
public final class PropertiesWriter {
    public static void main(String[] args) throws IOException {
        Properties properties = new Properties();
        try (InputStream in = new FileInputStream(args[0])) {
            properties.load(in);
        }
        for (int i = 2; i < args.length; i++) {
            properties.setProperty(args[1], args[i]);
            try (OutputStream out = new FileOutputStream(args[0])) {
                properties.store(out, null);
            }
            System.out.println(args[i]);
        }
    }
}
