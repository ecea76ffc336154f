"""Pictures from a generator that scales them, a small convnet, fit_generator's successor with steps."""
import numpy as np
from tensorflow.keras import layers, models, optimizers
from tensorflow.keras.preprocessing.image import ImageDataGenerator

rng = np.random.RandomState(2)
images, labels = rng.randint(0, 256, (16, 12, 12, 3)).astype('float32'), np.arange(16) % 2
train_datagen = ImageDataGenerator(rescale=1. / 255, featurewise_center=True, featurewise_std_normalization=True)
train_datagen.fit(images)
train_generator = train_datagen.flow(images, labels, batch_size=4, shuffle=False)
test_generator = ImageDataGenerator(rescale=1. / 255, samplewise_center=True).flow(images, labels, 8, shuffle=False)
model = models.Sequential([
    layers.Conv2D(4, (3, 3), activation='relu', input_shape=(12, 12, 3)),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(4, (3, 3), activation='relu', padding='same'),
    layers.AveragePooling2D(2),
    layers.Flatten(),
    layers.Dense(1, activation='sigmoid')])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(loss='binary_crossentropy', optimizer=optimizers.Adam(learning_rate=1e-3), metrics=['accuracy'])
history = model.fit(train_generator, steps_per_epoch=4, epochs=3, validation_data=test_generator, validation_steps=2, shuffle=False,
                    verbose=0)
predicted = model.predict(test_generator, verbose=0)
print('values:', *history.history['loss'], *history.history['val_loss'], predicted.mean(), predicted.std())
