import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * Answers what java.util.Properties reads from each document on standard input.
 *
 * <p>A document is its length in bytes (four bytes, big-endian) and its bytes. The answer is one
 * line: a {@code key:value} for each property that was put, in order and duplicates included, then
 * {@code !} if load threw; parted by blanks. Keys and values are the hexadecimal digits of their
 * UTF-16 code units, so that half a surrogate pair gets through.
 */
public final class PropertiesOracle {
    private static final class Recorder extends Properties {
        final StringBuilder answer = new StringBuilder();

        @Override
        public synchronized Object put(Object key, Object value) {
            hex((String) key);
            answer.append(':');
            hex((String) value);
            answer.append(' ');
            return super.put(key, value);
        }

        private void hex(String text) {
            for (int i = 0; i < text.length(); i++) {
                answer.append(String.format("%04x", (int) text.charAt(i)));
            }
        }
    }

    public static void main(String[] args) throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        PrintStream out =
                new PrintStream(
                        new BufferedOutputStream(System.out), false, StandardCharsets.US_ASCII);
        while (true) {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException end) {
                return;
            }
            Recorder properties = new Recorder();
            try {
                properties.load(new ByteArrayInputStream(in.readNBytes(length)));
            } catch (IllegalArgumentException malformed) {
                properties.answer.append('!');
            }
            out.print(properties.answer.append('\n'));
            out.flush();
        }
    }
}
