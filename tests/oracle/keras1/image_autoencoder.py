import numpy as np
from keras.layers import Conv2D, Input, MaxPooling2D, UpSampling2D
from keras.models import Model
rng = np.random.RandomState(4)
data = rng.rand(12, 8, 8, 1)
image = Input((8, 8, 1))
x = Conv2D(4, 3, activation='relu', padding='same')(image)
x = Conv2D(2, 3, activation='relu', padding='same')(MaxPooling2D(2, padding='same')(x))
encoded = MaxPooling2D(2, padding='same')(x)
x = UpSampling2D(4)(Conv2D(2, 3, activation='relu', padding='same')(encoded))
model = Model(image, Conv2D(1, 3, activation='sigmoid', padding='same')(x))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile('sgd', 'binary_crossentropy')
h = model.fit(data, data, batch_size=4, epochs=3, shuffle=False, verbose=0, validation_data=(data[:4], data[:4])).history
print('values:', *(h['loss'] + h['val_loss'] + [Model(image, encoded).predict(data, verbose=0).sum()]))
